PROJECT=fill-in--google-project
# One zone: a student's volume is in it, and so must be the node.
ZONE=fill-in--zone
