#!/bin/sh -e
# Bring the node of the hub back; the students' nodes come with them. Run it with `make cluster DO=resume`, then
# `make resume`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/resume.sh" ignore missing %>
