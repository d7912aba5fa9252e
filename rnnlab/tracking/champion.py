"""How MLflow's registry names the model that is served."""

CHAMPION = "champion"  # the alias of its version
# A tag of the registered model: the numbers of its champions, oldest first, the present one last.
HISTORY = "champions"
