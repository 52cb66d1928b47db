gcloud container clusters update "$NAME" --project "$PROJECT" --zone "$ZONE" --node-pool students \
  --no-enable-autoscaling
gcloud container clusters resize "$NAME" --project "$PROJECT" --zone "$ZONE" --node-pool students \
  --num-nodes "$MAX" --quiet
