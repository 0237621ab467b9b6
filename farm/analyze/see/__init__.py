"""What is measured in single frames and between neighbours. torch and transformers live here only, in analyze."""
