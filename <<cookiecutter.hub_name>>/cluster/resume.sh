<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import resume with context %>
#!/bin/sh -e
# Bring the $CORE_NODES nodes of the hubs back; the students' nodes come with them. Run it with `make cluster DO=resume`, then
# `make resume`.
<< resume | trim >>
