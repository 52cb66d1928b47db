RESOURCE_GROUP=fill-in--resource-group
LOCATION=fill-in--location
# One zone, 1, 2 or 3: a student's volume is in it, and so must be the node.
ZONE=1
