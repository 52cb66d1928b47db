# A pool for the system cannot be empty, so the whole cluster stops.
az aks stop --resource-group "$RESOURCE_GROUP" --name "$NAME"
