#!/bin/sh -e
# Take all nodes of the cluster away, when every hub in it is paused. Run it with `make cluster DO=pause`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/pause.sh" ignore missing %>
