pool() { az aks nodepool "$@" --resource-group "$RESOURCE_GROUP" --cluster-name "$NAME" --name students; }
pool update --disable-cluster-autoscaler
pool scale --node-count "$MAX"
