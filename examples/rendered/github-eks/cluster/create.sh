#!/bin/sh -e
# Make what is missing: the cluster with $CORE_NODES nodes for hubs, and $POOL, a pool of nodes for students, which grows to
# $MAX nodes of $MACHINE and is empty at night. What is there already stays as it is. cluster/where.sh has the first two
# values, config/hub.yaml the others: run it with `make cluster DO=create`.
config() {
  sed -e "s/: CLUSTER/: $CLUSTER/; s/: REGION/: $REGION/; s/SECOND_ZONE/$SECOND_ZONE/; s/\[ZONE/[$ZONE/" \
    -e "s/: CORE_NODES/: $CORE_NODES/; s/: CORE_MAX/: $((CORE_NODES + 1))/" \
    -e "s/: POOL/: $POOL/; s/: DEDICATED/: $DEDICATED/; s/: MACHINE/: $MACHINE/; s/: MAX/: $MAX/" cluster/eksctl.yaml
}
if eksctl get cluster --name "$CLUSTER" --region "$REGION"; then
  # Only node groups that are not there yet.
  config | eksctl create nodegroup --config-file -
  aws eks update-kubeconfig --name "$CLUSTER" --region "$REGION"
else
  config | eksctl create cluster --config-file -
  kubectl apply --filename cluster/storage-class.yaml
  # The autoscaler of a node group is not a part of EKS. Its version follows the one of Kubernetes.
  helm upgrade --install cluster-autoscaler cluster-autoscaler --repo https://kubernetes.github.io/autoscaler \
    --namespace kube-system --set autoDiscovery.clusterName="$CLUSTER" --set awsRegion="$REGION" \
    --set rbac.serviceAccount.create=false --set rbac.serviceAccount.name=cluster-autoscaler
fi
