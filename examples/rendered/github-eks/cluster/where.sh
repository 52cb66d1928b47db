# The cluster of this hub, and maybe of others: the name, and the nodes for the hubs' own pods.
CLUSTER=ml-practice
CORE_NODES=1
# Where the cluster is. `make cluster` reads it before it runs one of the others.
REGION=fill-in--region
# One zone: a student's volume is in it, and so must be the node.
ZONE=fill-in--zone
# EKS wants subnets in a second zone for its control plane; no node runs there.
SECOND_ZONE=fill-in--second-zone
