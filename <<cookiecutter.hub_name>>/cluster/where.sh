# Where the cluster is. `make cluster` reads it before it runs one of the others.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/where.sh" ignore missing %>
