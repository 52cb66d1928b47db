pool() { eksctl scale nodegroup --cluster "$NAME" --region "$REGION" "$@"; }
# The autoscaler runs on the node of the hub: nobody removes students' nodes once it is gone.
pool --name students --nodes 0 --nodes-min 0 --nodes-max "$MAX"
pool --name core --nodes 0 --nodes-min 0 --nodes-max 2
