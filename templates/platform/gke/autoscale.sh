gcloud container clusters update "$NAME" --project "$PROJECT" --zone "$ZONE" --node-pool students \
  --enable-autoscaling --min-nodes 0 --max-nodes "$MAX"
