gcloud container clusters resize "$NAME" --project "$PROJECT" --zone "$ZONE" --node-pool default-pool --num-nodes 1 --quiet
