sed -e "s/: NAME/: $NAME/; s/: REGION/: $REGION/; s/SECOND_ZONE/$SECOND_ZONE/; s/\[ZONE/[$ZONE/; s/: MACHINE/: $MACHINE/; s/: MAX/: $MAX/" \
  cluster/eksctl.yaml | eksctl create cluster --config-file -
kubectl apply --filename cluster/storage-class.yaml
# The autoscaler of a node group is not a part of EKS. Its version follows the one of Kubernetes.
helm upgrade --install cluster-autoscaler cluster-autoscaler --repo https://kubernetes.github.io/autoscaler \
  --namespace kube-system --set autoDiscovery.clusterName="$NAME" --set awsRegion="$REGION" \
  --set rbac.serviceAccount.create=false --set rbac.serviceAccount.name=cluster-autoscaler
