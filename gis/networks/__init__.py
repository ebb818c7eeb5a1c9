"""Networks and services of a city: streets, sewers, water mains, power lines and public transport."""
