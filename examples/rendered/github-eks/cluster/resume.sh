#!/bin/sh -e
# Bring the $CORE_NODES nodes of the hubs back; the students' nodes come with them. Run it with `make cluster DO=resume`, then
# `make resume`.
eksctl scale nodegroup --cluster "$CLUSTER" --region "$REGION" --name core \
  --nodes "$CORE_NODES" --nodes-min "$CORE_NODES" --nodes-max $((CORE_NODES + 1))
