eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name students --nodes-min 0 --nodes-max "$MAX"
