eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name students \
  --nodes "$MAX" --nodes-min "$MAX" --nodes-max "$MAX"
