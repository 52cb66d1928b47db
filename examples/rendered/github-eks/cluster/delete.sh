#!/bin/sh -e
# Delete the cluster that create.sh has made. Run it with `make cluster DO=delete`, which stops while a hub or a volume is in it.
eksctl delete cluster --name "$CLUSTER" --region "$REGION" --wait
