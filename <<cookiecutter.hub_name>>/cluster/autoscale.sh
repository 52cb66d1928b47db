#!/bin/sh -e
# Let the pool of the students grow and shrink between none and $MAX nodes, which is also how a new limit gets there.
# Run it with `make cluster DO=autoscale`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/autoscale.sh" ignore missing %>
