gcloud container clusters describe "$CLUSTER" --project "$PROJECT" --zone "$ZONE" --format 'value(name)' ||
  gcloud container clusters create "$CLUSTER" --project "$PROJECT" --zone "$ZONE" \
    --release-channel stable --enable-dataplane-v2<% if cookiecutter.tls == "gateway" %> --gateway-api standard<% endif %> \
    --workload-pool "$PROJECT.svc.id.goog" \
    --machine-type e2-standard-2 --num-nodes "$CORE_NODES" --node-labels hub.jupyter.org/node-purpose=core
gcloud container node-pools describe "$POOL" --project "$PROJECT" --zone "$ZONE" --cluster "$CLUSTER" --format 'value(name)' ||
  gcloud container node-pools create "$POOL" --project "$PROJECT" --zone "$ZONE" --cluster "$CLUSTER" \
    --machine-type "$MACHINE" --num-nodes 0 --enable-autoscaling --min-nodes 0 --max-nodes "$MAX" \
    --node-labels "hub.jupyter.org/node-purpose=user,hub.jupyter.org/pool=$POOL" \
    --node-taints "hub.jupyter.org_dedicated=$DEDICATED:NoSchedule"
gcloud container clusters get-credentials "$CLUSTER" --project "$PROJECT" --zone "$ZONE"
