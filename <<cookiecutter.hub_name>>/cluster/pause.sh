<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import pause with context %>
#!/bin/sh -e
# Take all nodes of the cluster away. Run it with `make cluster DO=pause`, which stops while a hub in the cluster runs.
<< pause | trim >>
