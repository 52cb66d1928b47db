#!/bin/sh -e
# Take all nodes of the cluster away. Run it with `make cluster DO=pause`, which stops while a hub in the cluster runs.
# All pools: the autoscaler runs on a core node, and nobody removes students' nodes once it is gone.
for pool in $(aws eks list-nodegroups --cluster-name "$CLUSTER" --region "$REGION" --query 'nodegroups[]' --output text); do
  eksctl scale nodegroup --cluster "$CLUSTER" --region "$REGION" --name "$pool" --nodes 0 --nodes-min 0
done
