#!/bin/sh -e
# Keep $MAX nodes in $POOL, the pool of the students, day and night: for an exam. Run it with `make cluster DO=fixed`.
eksctl scale nodegroup --cluster "$CLUSTER" --region "$REGION" --name "$POOL" \
  --nodes "$MAX" --nodes-min "$MAX" --nodes-max "$MAX"
