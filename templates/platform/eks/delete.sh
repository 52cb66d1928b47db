eksctl delete cluster --name "$NAME" --region "$REGION" --wait
