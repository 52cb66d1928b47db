#!/bin/sh -e
# Let the pool of the students grow and shrink between none and $MAX nodes, which is also how a new limit gets there.
# Run it with `make cluster DO=autoscale`.
eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name students --nodes-min 0 --nodes-max "$MAX"
