for pool in students default-pool; do
  gcloud container clusters resize "$NAME" --project "$PROJECT" --zone "$ZONE" --node-pool "$pool" --num-nodes 0 --quiet
done
