#!/bin/sh -e
# Bring the node of the hub back; the students' nodes come with them. Run it with `make cluster DO=resume`, then
# `make resume`.
eksctl scale nodegroup --cluster "$NAME" --region "$REGION" --name core --nodes 1 --nodes-min 1 --nodes-max 2
