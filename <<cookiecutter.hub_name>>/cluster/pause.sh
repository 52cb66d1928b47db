<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import pause with context %>
#!/bin/sh -e
# Take all nodes of the cluster away, when every hub in it is paused. Run it with `make cluster DO=pause`.
<< pause | trim >>
