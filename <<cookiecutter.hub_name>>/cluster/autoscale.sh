<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import autoscale with context %>
#!/bin/sh -e
# Let $POOL, the pool of the students, grow and shrink between none and $MAX nodes, which is also how a new limit gets there.
# Run it with `make cluster DO=autoscale`.
<< autoscale | trim >>
