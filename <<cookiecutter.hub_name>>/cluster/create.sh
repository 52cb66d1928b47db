#!/bin/sh -e
# Make the cluster: a node for the hub and a pool for the students, which grows to $MAX nodes of $MACHINE and is empty
# at night. NAME, MACHINE and MAX come from config/hub.yaml: run it with `make cluster DO=create`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/create.sh" ignore missing %>
