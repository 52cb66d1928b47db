REGION=fill-in--region
# One zone: a student's volume is in it, and so must be the node.
ZONE=fill-in--zone
# EKS wants subnets in a second zone for its control plane; no node runs there.
SECOND_ZONE=fill-in--second-zone
