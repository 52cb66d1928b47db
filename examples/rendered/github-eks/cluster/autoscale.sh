#!/bin/sh -e
# Let $POOL, the pool of the students, grow and shrink between none and $MAX nodes, which is also how a new limit gets there.
# Run it with `make cluster DO=autoscale`.
eksctl scale nodegroup --cluster "$CLUSTER" --region "$REGION" --name "$POOL" --nodes-min 0 --nodes-max "$MAX"
