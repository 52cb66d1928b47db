<% from cookiecutter.__pieces ~ "platform/" ~ cookiecutter.platform ~ "/facts.jinja" import fixed with context %>
#!/bin/sh -e
# Keep $MAX nodes in $POOL, the pool of the students, day and night: for an exam. Run it with `make cluster DO=fixed`.
<< fixed | trim >>
