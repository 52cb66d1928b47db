gcloud container clusters delete "$NAME" --project "$PROJECT" --zone "$ZONE" --quiet
