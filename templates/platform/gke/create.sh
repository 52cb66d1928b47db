gcloud container clusters create "$NAME" --project "$PROJECT" --zone "$ZONE" \
  --release-channel stable --enable-dataplane-v2<% if cookiecutter.tls == "gateway" %> --gateway-api standard<% endif %> \
  --workload-pool "$PROJECT.svc.id.goog" \
  --machine-type e2-standard-2 --num-nodes 1 --node-labels hub.jupyter.org/node-purpose=core
gcloud container node-pools create students --project "$PROJECT" --zone "$ZONE" --cluster "$NAME" \
  --machine-type "$MACHINE" --num-nodes 0 --enable-autoscaling --min-nodes 0 --max-nodes "$MAX" \
  --node-labels hub.jupyter.org/node-purpose=user --node-taints hub.jupyter.org_dedicated=user:NoSchedule
gcloud container clusters get-credentials "$NAME" --project "$PROJECT" --zone "$ZONE"
