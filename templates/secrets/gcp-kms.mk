<% include cookiecutter.__pieces ~ "secrets/kms.mk" %>
