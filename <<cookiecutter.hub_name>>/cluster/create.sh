#!/bin/sh -e
# Make what is missing: the cluster with $CORE_NODES nodes for hubs, and $POOL, a pool of nodes for students, which grows to
# $MAX nodes of $MACHINE and is empty at night. What is there already stays as it is. cluster/where.sh has the first two
# values, config/hub.yaml the others: run it with `make cluster DO=create`.
<% include cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/create.sh" ignore missing %>
