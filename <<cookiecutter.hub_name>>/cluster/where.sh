<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import where with context %>
# Where the cluster is. `make cluster` reads it before it runs one of the others.
<< where | trim >>
