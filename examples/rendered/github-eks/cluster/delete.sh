#!/bin/sh -e
# Delete the cluster that create.sh has made. Run it with `make cluster DO=delete`, which stops while volumes are in it.
eksctl delete cluster --name "$NAME" --region "$REGION" --wait
