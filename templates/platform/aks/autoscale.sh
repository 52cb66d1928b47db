pool() { az aks nodepool "$@" --resource-group "$RESOURCE_GROUP" --cluster-name "$NAME" --name students; }
if [ "$(pool show --query enableAutoScaling --output tsv)" = true ]; then
  pool update --update-cluster-autoscaler --min-count 0 --max-count "$MAX"
else
  pool update --enable-cluster-autoscaler --min-count 0 --max-count "$MAX"
fi
