#!/bin/sh -e
# Keep $MAX nodes for the students, day and night: for an exam. Run it with `make cluster DO=fixed`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/fixed.sh" ignore missing %>
