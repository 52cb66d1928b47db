az aks start --resource-group "$RESOURCE_GROUP" --name "$NAME"
