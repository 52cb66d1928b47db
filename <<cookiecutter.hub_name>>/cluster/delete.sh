<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import delete with context %>
#!/bin/sh -e
# Delete the cluster that create.sh has made. Run it with `make cluster DO=delete`, which stops while a hub or a volume is in it.
<< delete | trim >>
