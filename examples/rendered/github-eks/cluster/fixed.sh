#!/bin/sh -e
# Keep $MAX nodes for the students, day and night: for an exam. Run it with `make cluster DO=fixed`.
eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name students \
  --nodes "$MAX" --nodes-min "$MAX" --nodes-max "$MAX"
