eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name core --nodes 1 --nodes-min 1 --nodes-max 2
