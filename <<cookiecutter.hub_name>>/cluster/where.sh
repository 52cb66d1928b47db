# Where the cluster is. cluster.py reads it before it runs one of the other scripts.
<% include cookiecutter.__pieces ~ "cluster/" ~ cookiecutter.platform ~ "/where.sh" ignore missing %>
