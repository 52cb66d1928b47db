# The resource group stays: other things may be in it.
az aks delete --resource-group "$RESOURCE_GROUP" --name "$NAME" --yes
