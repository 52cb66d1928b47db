<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import where with context %>
# The cluster of this hub, and maybe of others: the name, and the nodes for the hubs' own pods.
CLUSTER=<< cookiecutter.cluster_name >>
CORE_NODES=1
# Where the cluster is. `make cluster` reads it before it runs one of the others.
<< where | trim >>
