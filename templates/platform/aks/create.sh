az group create --name "$RESOURCE_GROUP" --location "$LOCATION"
az aks show --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" --query name --output tsv ||
  az aks create --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" --location "$LOCATION" --zones "$ZONE" \
    --network-plugin azure --network-plugin-mode overlay --network-dataplane cilium \
    --enable-oidc-issuer --enable-workload-identity --generate-ssh-keys \
    --nodepool-name core --node-count "$CORE_NODES" --node-vm-size Standard_D2s_v5 \
    --nodepool-labels hub.jupyter.org/node-purpose=core
az aks nodepool show --resource-group "$RESOURCE_GROUP" --cluster-name "$CLUSTER" --name "$POOL" --query name --output tsv ||
  az aks nodepool add --resource-group "$RESOURCE_GROUP" --cluster-name "$CLUSTER" --name "$POOL" --zones "$ZONE" \
    --node-vm-size "$MACHINE" --node-count 0 --max-pods 110 \
    --enable-cluster-autoscaler --min-count 0 --max-count "$MAX" \
    --labels hub.jupyter.org/node-purpose=user "hub.jupyter.org/pool=$POOL" \
    --node-taints "hub.jupyter.org_dedicated=$DEDICATED:NoSchedule"
az aks get-credentials --resource-group "$RESOURCE_GROUP" --name "$CLUSTER"
