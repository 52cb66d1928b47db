az group create --name "$RESOURCE_GROUP" --location "$LOCATION"
az aks create --resource-group "$RESOURCE_GROUP" --name "$NAME" --location "$LOCATION" --zones "$ZONE" \
  --network-plugin azure --network-plugin-mode overlay --network-dataplane cilium \
  --enable-oidc-issuer --enable-workload-identity --generate-ssh-keys \
  --nodepool-name core --node-count 1 --node-vm-size Standard_D2s_v5 \
  --nodepool-labels hub.jupyter.org/node-purpose=core
az aks nodepool add --resource-group "$RESOURCE_GROUP" --cluster-name "$NAME" --name students --zones "$ZONE" \
  --node-vm-size "$MACHINE" --node-count 0 --max-pods 110 \
  --enable-cluster-autoscaler --min-count 0 --max-count "$MAX" \
  --labels hub.jupyter.org/node-purpose=user --node-taints hub.jupyter.org_dedicated=user:NoSchedule
az aks get-credentials --resource-group "$RESOURCE_GROUP" --name "$NAME"
